"""A BMC on 127.0.0.1 that speaks IPMI 2.0: pyghmi's own, for user `fencer`. Arguments: port, password."""
import sys

from pyghmi.cmd.fakebmc import FakeBmc
from pyghmi.ipmi import bmc


class LoopbackBmc(FakeBmc):
    def __init__(self, port, password):
        # FakeBmc itself listens on all addresses
        bmc.Bmc.__init__(self, {"fencer": password}, port=port, address="127.0.0.1")
        self.powerstate = "off"
        self.bootdevice = "default"


LoopbackBmc(int(sys.argv[1]), sys.argv[2]).listen()
