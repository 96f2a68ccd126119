# What bsd.port.mk(5) describes is in make(1) itself on a test host; a ports tree is known by this file.
