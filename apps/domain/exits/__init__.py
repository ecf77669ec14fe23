"""How what is held is closed and kept protected: decisions, each as decide(view, progress)."""
