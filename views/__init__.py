"""What is asked, and what is shown."""
