"""An account's books: cash in its currencies, holdings, margins."""
