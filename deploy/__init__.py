"""What a deployment is made of: settings, images, charts, and the whole instance as processes of one machine."""
