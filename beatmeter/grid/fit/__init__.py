"""Fitting the grid on music whose beats and downbeats are known, and on sounds without bars."""
