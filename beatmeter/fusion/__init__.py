"""From the signals' scores to one distribution over the meters: pool, prior, weights."""
