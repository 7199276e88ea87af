"""What the gate and the tuning tell: JSON, Markdown, and one page of HTML with plots."""
