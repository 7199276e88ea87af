"""What every floor uses: atomic writes, hashes, worker processes, progress, safe text."""
