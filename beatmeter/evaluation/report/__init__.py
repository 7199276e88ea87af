"""Reports: sections, written as text, Markdown, JSON, and one page of HTML with plots."""
