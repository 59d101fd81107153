"""What a run did: fingerprints, the observed events and facts, and the record they are kept in."""
