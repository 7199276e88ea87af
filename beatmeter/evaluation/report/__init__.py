"""Reports: sections, told as text, Markdown, JSON, and one page of HTML with plots."""
