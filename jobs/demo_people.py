"""The people of the demo workspace. Times are days before the demo was made."""

from typing import NamedTuple


class Someone(NamedTuple):
    since: float
    name: str
    email: str
    title: str


OWNER = Someone(412.3, "Priya Raman", "priya@fieldstone.example", "Head of Operations")

ADMINS = (
    Someone(411.9, "Marcus Lindqvist", "marcus@fieldstone.example", "IT Manager"),
    Someone(268.4, "Aiko Tanaka", "aiko@fieldstone.example", "Integrations Engineer"),
)
# Made keys, and left; see LEFT_AFTER.
FORMER_ADMIN = Someone(390.2, "Tomasz Zieliński", "tomasz@fieldstone.example", "Developer")
LEFT_AFTER = 38.6

MEMBERS = (
    Someone(405.1, "Chidi Okafor", "chidi@fieldstone.example", "Service Desk Lead"),
    Someone(377.8, "Lena Vogt", "lena@fieldstone.example", "Dispatcher"),
    Someone(301.4, "Rafael Moreira", "rafael@fieldstone.example", "Field Coordinator"),
    Someone(220.9, "Siobhán Ní Bhriain", "siobhan@fieldstone.example", "Customer Success"),
    Someone(143.2, "Noor El-Amin", "noor@fieldstone.example", "Data Analyst"),
    Someone(61.7, "Dmytro Kovalenko", "dmytro@fieldstone.example", "Warehouse Manager"),
)
INVITED = (
    Someone(2.4, "Grace Mwangi", "grace@fieldstone.example", "Dispatcher"),
    Someone(0.2, "Oskar Berg", "oskar@fieldstone.example", "Apprentice"),
)

CONTACTS = (
    Someone(398.6, "Amélie Rousseau", "amelie.rousseau@maison-claire.example", "Facility Manager"),
    Someone(396.2, "Giulia Bianchi", "g.bianchi@terrazzo-milano.example", "Procurement"),
    Someone(390.7, "Hans-Jürgen Weiß", "weiss@stadtwerke-nord.example", "Site Engineer"),
    Someone(381.3, "Fatima Zahra Benali", "fz.benali@atlas-ceramics.example", "Operations Director"),
    Someone(374.9, "Kwame Mensah", "kwame@volta-logistics.example", "Fleet Manager"),
    Someone(366.1, "Nguyễn Thị Hương", "huong.nguyen@saigon-tiles.example", "Export Sales"),
    Someone(352.8, "João Pedro Almeida", "jp.almeida@porto-pedra.example", "Quarry Manager"),
    Someone(349.5, "Ingrid Sørensen", "ingrid@fjordbygg.example", "Project Manager"),
    Someone(333.2, "Mehmet Yılmaz", "m.yilmaz@anatolia-stone.example", "Sales Manager"),
    Someone(318.4, "Zoë van den Berg", "zoe@grachtenbeheer.example", "Property Manager"),
    Someone(305.6, "Kim Min-jun", "minjun.kim@hanok-living.example", "Architect"),
    Someone(297.3, "Leilani Kahale", "leilani@pacific-resorts.example", "Maintenance Lead"),
    Someone(284.1, "Andrei Popescu", "andrei.popescu@carpat-construct.example", "Foreman"),
    Someone(276.5, "Saoirse Gallagher", "saoirse@claddagh-homes.example", "Head of Estates"),
    Someone(259.8, "李雪梅", "xuemei.li@jade-garden.example", "Purchasing"),
    Someone(243.7, "Björk Jónsdóttir", "bjork@hekla-design.example", "Interior Designer"),
    Someone(231.2, "Thabo Dlamini", "thabo@umhlanga-rentals.example", "Regional Manager"),
    Someone(218.9, "Valentina Castro", "vcastro@patio-andino.example", "Buyer"),
    Someone(204.4, "Arjun Mehta", "arjun.mehta@deccan-infra.example", "Site Supervisor"),
    Someone(190.6, "Elif Şahin", "elif@bosphorus-suites.example", "Hotel Manager"),
    Someone(171.3, "Søren Kjær", "soren@kjaer-entreprise.example", "Owner"),
    Someone(158.7, "María José Peña", "mj.pena@azulejos-sur.example", "Accounts Payable"),
    Someone(139.9, "Yusuf Abdullahi", "yusuf@lagoon-towers.example", "Chief Engineer"),
    Someone(121.5, "Katarzyna Wójcik", "k.wojcik@bursztyn-park.example", "Office Manager"),
    Someone(104.2, "Emre Öztürk", "emre@marmara-yachts.example", "Dock Manager"),
    Someone(87.8, "Nadia Haddad", "nadia.haddad@cedar-clinics.example", "Facilities"),
    Someone(66.3, "Tuğba Aydın", "tugba@kapadokya-inn.example", "Front Office"),
    Someone(41.6, "Pasi Virtanen", "pasi@jarvi-saunat.example", "Installer"),
    Someone(19.4, "Camille Tremblay", "ctremblay@vieux-port.example", "Building Superintendent"),
    Someone(5.1, "Sina Faleafa", "sina@upolu-school.example", "Bursar"),
)
