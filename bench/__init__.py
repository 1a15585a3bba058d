"""What this machine reaches: one file per measurement, and the reports."""
