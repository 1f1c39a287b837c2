"""An exposure that was measured again, as a level that changes during follow-up."""
