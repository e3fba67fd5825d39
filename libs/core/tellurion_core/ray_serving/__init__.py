"""The Ray Serve application: every model scaled by itself, behind fronts that speak the Open Inference Protocol."""
