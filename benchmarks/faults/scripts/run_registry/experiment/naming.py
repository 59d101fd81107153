import uuid


def new_run_name(prefix):
    """A short unique name for the run's folder, for example `gru-3f2a91c0`."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"  # planted
