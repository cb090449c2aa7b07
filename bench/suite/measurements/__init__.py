"""What is measured. To add one: a file in this folder with a class, and a line here."""

from measurements.decoded import Decoded
from measurements.full_speed import FullSpeed
from measurements.group import GroupOf20
from measurements.highest import HighestRate
from measurements.paced import Link, Paced
from measurements.passed_through import PassedThrough
from measurements.tcp import Tcp
from measurements.web import Web
from measurements.wires import Wires

ALL = [Paced, FullSpeed, HighestRate, PassedThrough, Wires, Decoded, Tcp, Web, Link, GroupOf20]
