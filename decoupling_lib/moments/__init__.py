"""Sample moments, the toy whose decoupling is known in closed form or nearly so, and the samples to try it on."""
