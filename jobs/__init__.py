"""What happens without a browser: command line, scheduler, server process, demo data."""
