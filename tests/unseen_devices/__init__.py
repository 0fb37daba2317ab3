"""Made-up Bluetooth massagers with dialects of their own, and captures of their apps: what `learn` is judged by.

It was written from public descriptions of such devices and from the how-to, by somebody who had not seen `learn`.
"""
