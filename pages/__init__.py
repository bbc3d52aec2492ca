"""What the HTML pages share: the theme, packing data into a page, and putting files into it.  Imports no sibling."""
