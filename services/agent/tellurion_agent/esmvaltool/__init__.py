"""What ESMValTool's recipes know, in terms of the recipes here."""
