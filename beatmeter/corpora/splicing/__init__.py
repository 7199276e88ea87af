"""Real recordings re-barred at their beats: `steady` finds music, `splice` gives it a new meter."""
