"""Files as a source: found, told apart by their content, referred to or copied as they are."""
