"""When markets trade: calendars, holidays, sessions."""
