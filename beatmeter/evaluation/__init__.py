"""How often the ensemble is right: scores, metrics, bootstrap, reports."""
