"""What the model can do, and the policy that says when."""
