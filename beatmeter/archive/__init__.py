"""Archives: many recordings analysed, on one machine or many, and what they hold in sum."""
