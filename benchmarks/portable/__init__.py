"""What `samebits.portable` covers and costs."""
