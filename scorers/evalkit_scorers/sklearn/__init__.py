"""Any metric of scikit-learn, by name."""
