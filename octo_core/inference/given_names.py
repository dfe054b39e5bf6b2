"""Given names, and the commonest Chinese family names: by them values are told for people's names where a column's own
name says nothing (`Lehrkraft`, `misafir`).

The most frequent names of some languages, unaccented and in small letters, but those that things, places and months
are called by too (Paris, Victoria, Rosa, April). They cover a third of the people or more, which is all they have to.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from octo_core.letters import unaccented

_GIVEN: Final = """
james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony donald steven
paul andrew joshua kenneth kevin brian george edward ronald timothy jason jeffrey ryan jacob gary nicholas eric
jonathan stephen larry justin scott brandon benjamin samuel gregory alexander patrick raymond dennis jerry tyler aaron
jose henry adam douglas nathan peter zachary kyle walter harold jeremy ethan carl keith roger gerald terry sean arthur
lawrence noah jesse albert bruce billy willie philip harry oliver liam oscar archie callum hugh nigel graham colin alan
mary patricia jennifer linda elizabeth barbara susan jessica sarah karen nancy lisa betty margaret sandra ashley
kimberly emily donna michelle carol amanda melissa deborah stephanie rebecca laura helen sharon cynthia kathleen amy
shirley angela anna brenda pamela emma nicole samantha katherine christine debra rachel carolyn janet catherine
maria heather diane julie joyce evelyn joan kelly lauren christina martha judith cheryl megan andrea
olivia hannah jacqueline ann jean alice kathryn gloria teresa doris sara janice julia marie judy theresa beverly denise
marilyn danielle abigail brittany diana natalie sophia alexis lori tiffany kayla isla poppy freya siobhan aoife niamh
hans klaus jurgen juergen wolfgang gunter guenter dieter manfred uwe horst bernd stefan andreas markus matthias
jan tobias sebastian florian lukas felix jonas leon finn tim niklas philipp heinz helmut werner gerhard karl rainer
ralf torsten thorsten sven holger joachim ursula monika petra sabine renate helga karin brigitte ingrid erika gisela
claudia susanne birgit heike martina anja katrin kathrin silke ute marion gabriele angelika nadine melanie steffi
katharina lena leonie johanna franziska greta frieda heidi jutta anke antje tanja sonja silvia elke annika
pierre michel andre philippe alain bernard jacques francois christophe nicolas laurent eric frederic olivier
julien guillaume antoine thibault mathieu remi yves didier gilles herve thierry pascal nathalie isabelle sylvie
catherine francoise monique brigitte chantal veronique sandrine valerie celine camille manon lea chloe ines aurelie
emilie elodie helene agnes mireille odile genevieve luc etienne gaston
juan antonio manuel francisco javier carlos miguel rafael pedro angel alejandro fernando sergio pablo jorge luis alberto
alvaro diego adrian raul enrique ramon vicente ivan ruben oscar andres joaquin eduardo roberto ricardo jesus hector
ana carmen isabel pilar dolores josefa cristina marta lucia elena beatriz raquel nuria montserrat silvia irene
mercedes concepcion esther rocio alba ximena guadalupe lupita camila valentina daniela gabriela fernanda paola
joao tiago goncalo duarte rui nuno vasco bruno joaquim paulo marcos thiago luiz caio gustavo leandro ines
catarina mariana leonor fatima rita sonia vania juliana leticia patricia aline luciana renata adriana bruna larissa
giuseppe giovanni mario luigi roberto alessandro andrea francesco stefano marco lorenzo matteo davide luca giorgio paolo
massimo fabio simone riccardo salvatore vincenzo giulia chiara francesca alessia federica paola giovanna elisa
sofie lotte femke sanne anouk marieke annemarie willem kees joost bram sander maarten jeroen wouter pieter dirk henk
lars sven erik bjorn anders nils johan magnus ole kari ingrid astrid sigrid kristin hanne birgitte mette soren jens
mikkel rasmus gustav fredrik mikael henrik oskar elin annika malin karin sanna pekka matti jukka timo mika anneli
kaisa aino eero antti tuomas
piotr krzysztof andrzej tomasz pawel michal marcin stanislaw jakub adam zbigniew jerzy tadeusz lukasz kamil mateusz
katarzyna malgorzata agnieszka ewa krystyna elzbieta magdalena joanna zofia teresa monika danuta aleksandra beata dorota
jiri josef jaroslav vaclav ondrej lukas vojtech jana hana lenka katerina petra veronika zuzana eliska tereza
istvan laszlo ferenc zoltan sandor attila gabor balazs tamas csaba katalin ilona erzsebet zsuzsanna agnes eszter reka
ion gheorghe vasile mihai andrei constantin ioana elena maria mihaela cristian bogdan radu florin dragos
nikola marko ivan stefan petar milan dragan zoran goran ana jelena milica ivana vesna snezana
giorgos yannis dimitris kostas nikos vasilis eleni katerina sofia despina
mehmet mustafa ahmet ali huseyin hasan ibrahim ismail osman yusuf murat omer emre burak kerem cem serkan hakan
fatma ayse emine hatice zeynep elif meryem sultan merve busra esra ozlem selin deniz derya gul
mohammed muhammad mohamed mohammad ahmed omar khaled hassan hussein abdullah abdul ibrahim youssef tariq karim samir
fatima aisha khadija maryam zainab layla leila nour yasmin amina hana rania
rajesh amit rahul sanjay vijay anil suresh ramesh deepak manoj arjun ravi vikram anjali priya sunita kavita pooja neha
lakshmi divya ananya rohan aditya
nguyen thi minh huong tuan hung linh trang thanh
wei ming xiao jing hiroshi takashi kenji yuki yoko haruto akira satoshi keiko yumi sakura naoko kazuo takeshi
jihoon minjun seojun jiwoo soojin
chidi emeka ngozi amina kwame kofi ama abena thabo sipho nomsa wanjiku otieno chinonso oluwaseun
александр сергеи владимир андреи алексеи дмитрии иван михаил николаи юрии виктор павел наталья ольга елена татьяна
анна мария светлана ирина екатерина юлия людмила галина олег оксана тетяна володимир
محمد احمد علي حسن حسين عبد خالد عمر يوسف ابراهيم فاطمة عائشة مريم زينب سارة نور
"""
_FAMILIES: Final = (
    "王李张劉刘陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何林高罗羅郑鄭梁谢謝宋唐许許韩韓邓鄧冯馮曹彭曾肖田董潘袁蔡蒋蔣余于杜叶葉程魏苏蘇吕呂丁"
    "任卢盧姚沈钟鍾姜崔谭譚陆陸范汪廖石贾賈夏韦韋付方白邹鄒孟熊秦邱江尹薛闫阎閻段雷侯龙龍史陶黎贺賀顾顧毛郝龚龔邵万萬钱錢严嚴武戴莫孔向汤湯"
)
_NAMES: Final = frozenset(unaccented(word) for word in _GIVEN.split())
_WORD: Final = r"[^\W\d_]+(?:['’.-][^\W\d_]+)*\.?"
_SEVERAL: Final = re.compile(rf"{_WORD}(?:,? {_WORD}){{1,4}}")
_ONE: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?")
_HAN: Final = re.compile(r"[㐀-鿿]{2,4}")
_SPLIT: Final = re.compile(r"[\s,.'’-]+")
_LAST: Final = r"[^\W\d_a-z][^\W\d_]+(?:['’ -][^\W\d_]+)?"
_FIRST: Final = r"(?:[^\W\d_a-z]\.[ -]?){1,3}"
_INITIALED: Final = re.compile(rf"{_LAST},? {_FIRST}|{_LAST}, [^\W\d_a-z]|{_FIRST}{_LAST}")
"""`OAKES, W.`, `Oakes W. B.`, `J. R. Oakes`."""
_DOTTED: Final = re.compile(r"(?P<first>[^\W\d_]+)[._](?P<last>[^\W\d_]{2,}(?:-[^\W\d_]+)?)\d{0,4}")
_FIRMS: Final = """
gmbh ag kg ohg ltd limited inc llc llp plc corp co company sa sas sarl sl srl spa bv nv ab oy as aps ltda sp zoo kft pty
group holding bank hotel school street st avenue road rue calle via plaza park saint san santa sankt strasse weg platz
allee ring ufer port ville
"""
_FIRM: Final = frozenset(_FIRMS.split())
_ENOUGH: Final = 8
"""Distinct values below which chance could give as many given names."""
_NAMED: Final = 4
"""Values that have to hold a given name."""
_OF_SEVERAL: Final = 0.25
"""Share of values of two words and more that hold a given name; of a country's people the commonest make up more."""
_OF_ONE: Final = 0.5
"""The same of values of one word, which may be towns and brands as well."""
_OF_HAN: Final = 0.85
_SHAPED: Final = 0.8


def are_names_of_people(values: Sequence[str]) -> bool:
    """Whether distinct values are people's names by themselves: whole ones (`Weber, Anna`), or given names alone."""
    if len(values) < _ENOUGH:
        return False
    if _share(values, _is_chinese) >= _OF_HAN or _share(values, is_initialed) >= _SHAPED:
        return True
    dotted = [spoken for value in values if (spoken := undotted(value)) != value]
    if len(dotted) >= _SHAPED * len(values):
        return _named(dotted, _OF_SEVERAL)
    several = [value for value in values if _SEVERAL.fullmatch(value)]
    if len(several) >= _SHAPED * len(values):
        return _share(values, is_of_a_place_or_firm) < 1 - _SHAPED and _named(several, _OF_SEVERAL)
    ones = [value for value in values if _ONE.fullmatch(value)]
    return len(ones) >= _SHAPED * len(values) and _named(ones, _OF_ONE)


def _named(values: Sequence[str], share: float) -> bool:
    return sum(map(holds_a_name, values)) >= max(_NAMED, share * len(values))


def _share(values: Sequence[str], holds: Callable[[str], bool]) -> float:
    return sum(map(holds, values)) / max(1, len(values))


def _is_chinese(value: str) -> bool:
    return _HAN.fullmatch(value) is not None and value[0] in _FAMILIES and len(set(value)) > 1


def is_initialed(value: str) -> bool:
    """Whether it is a surname with initials before or after it."""
    return _INITIALED.fullmatch(value) is not None and not is_of_a_place_or_firm(value)


def undotted(value: str) -> str:
    """`anna.weber7` as `anna weber`; the value itself where it is not of that form."""
    found = _DOTTED.fullmatch(value)
    return f"{found['first']} {found['last']}" if found else value


def holds_a_name(value: str) -> bool:
    """Whether one of a text's words is a common given name."""
    return not _NAMES.isdisjoint(_words(value))


def is_of_a_place_or_firm(value: str) -> bool:
    """Whether one of a text's words says that it is a firm, a street or a town."""
    return not _FIRM.isdisjoint(_words(value))


def _words(value: str) -> list[str]:
    return _SPLIT.split(unaccented(value).casefold())
