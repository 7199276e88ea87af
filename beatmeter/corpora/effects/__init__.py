"""What happens to sound between the instruments and the file."""
