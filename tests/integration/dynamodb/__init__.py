"""DynamoDB's API from the wire, as its clients speak it."""
