"""A dry global atmosphere under Held–Suarez forcing: its layout, its dynamics, and the system that makes forecasts."""

from tellurion_assimilation.systems.atmosphere.layout import Layout
from tellurion_assimilation.systems.atmosphere.model import Atmosphere

__all__ = ["Atmosphere", "Layout"]
