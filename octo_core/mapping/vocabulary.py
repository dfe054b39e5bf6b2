"""Words that mean the same in column names: abbreviations, synonyms, other languages; and words that exclude others.

One line is one concept; a word may stand in several. What is not listed here is compared by its letters. More words of
other languages: languages.py.
"""

import unicodedata
from functools import lru_cache
from typing import Final

from octo_core.mapping.languages import CONCEPTS, WORDS

_STOPWORDS: Final = """
a an the of to in on at by for from with and or is are was were be been this that these those its it as into per which
who whom where any if not applicable used using use indicate indicates related term text describe describes described
given has have had may can will all each other than
"""
STOPWORDS: Final = frozenset(_STOPWORDS.split())

_CONCEPTS: Final = """
departure etd dep depart departs departed departing outbound takeoff leave leaves
arrival eta arr arrive arrives arrived arriving inbound landing
scheduled sched schd planned expected std sta etd eta
actual act real atd ata
delay late lateness overdue
origin orig from source departure_airport 起点 出发地 始發
destination dest dst to 目的地 终点
quantity qty quant pieces pcs units_sold 数量 數量 كمية cantidad menge quantite
amount amt sum 金额 金額 مبلغ importe betrag montant
price prc cost unit_price 价格 價格 價錢 价钱 售价 售價 總價 总价 單價 单价 سعر precio preis prix
amount total sum
total tot overall gross 总计 總計 合計
number num no nr nbr nmbr # 号码 號碼 编号 編號 رقم numero nummer
count cnt n how_many
address addr adr street 地址 住址 عنوان direccion adresse
telephone tel phone mobile cell cellphone fon 电话 電話 手机 手機 هاتف telefono telefon
fax facsimile
email mail e-mail email_address 邮箱 郵箱 电子邮件 電子郵件 بريد correo
birth dob born birthday birthdate date_of_birth 生日 出生日期 出生 ميلاد
latitude lat y_coord 纬度 緯度
longitude lon long lng x_coord 经度 經度
altitude alt elevation elev height_above_sea 海拔
description desc descr dsc details detail 描述 說明 说明 备注 備註 وصف descripcion beschreibung
notes note remark remarks comment comments description 备注 備註
description summary abstract content comment 摘要 內容 内容
code cd kode iata icao faa 代码 代碼 رمز codigo
identifier id ident key uid guid pk 识别 標識 معرف
timestamp ts tstamp at datetime dttm moment time instant utc 时间戳
time tm hour clock 时间 時間 وقت hora zeit heure
date dt day on datum fecha 日期 تاريخ
year yr yyyy anno 年 年份 سنة
month mon mth mm 月 月份
minute min mins minutes 分钟 分鐘
second sec secs seconds
hour hr hrs hours
day dy dd 日
week wk
name nm nme title label designation 名称 名稱 姓名 名字 品名 اسم nombre nom bezeichnung
title salutation honorific anrede civilite aanhef tratamiento
title headline heading subject summary caption 标题 標題 題目 عنوان_المقال titulo titel titre
first fn given fore fname forename firstname christian 名
last ln family sur surname lname lastname 姓
full complete fullname 全名
customer cust client buyer patron consumer 客户 客戶 顾客 顧客 عميل cliente kunde
person patient case participant subject individual
user usr account member login 用户 用戶 مستخدم
company firm organisation organization org business enterprise 公司
vendor supplier seller merchant 供应商 供應商
employee emp staff worker
department dept division
manager mgr supervisor
carrier airline operator airlines 航空公司
flight flt 航班
aircraft plane tail tailnumber registration 飞机
airport aerodrome apt 机场
station stn site
city town municipality 城市 مدينة ciudad stadt ville
country nation nationality ctry land 国家 國家 بلد pais
state province region prov st 省 州
zip postal postcode plz zipcode post_code 邮编 郵編
location loc place position geo 地点 地點 位置 產地 产地 موقع lugar ort
district county area 区 區
gender sex 性别 性別 جنس sexo geschlecht
age years_old 年龄 年齡 屋齡 عمر edad alter
category cat class kind type group 类别 類別 分类 分類 类型 類型 فئة categoria kategorie typ tipo
type typ kind variety
status state stat condition stage_of 状态 狀態 حالة estado
tag board topic subtopic channel section 标签 標籤 版塊
author writer creator by byline 作者 كاتب autor auteur
manufacturer maker make producer brand mfr 品牌 制造商
rain precipitation precip rainfall
visibility visib vis
publisher press imprint 出版社 发行公司 發行公司
publish published publication posted release released issued 发布 發布 发表 發表 上映
url link href website web page uri address 链接 連結 網址 网址 رابط
image img picture photo thumbnail thumb pic media 图片 圖片 صورة
file filename document doc
source src origin 来源 來源
news article story post 新闻 新聞 文章
stock inventory in_stock on_hand available availability 库存 庫存 剩餘
product item goods article sku merchandise 产品 產品 商品 منتج producto produkt
order purchase ord 订单 訂單 طلب pedido bestellung
invoice bill inv 发票 發票 فاتورة
payment pay paid remittance 付款
discount disc rebate 折扣
tax vat gst 税 稅
currency curr ccy 货币 貨幣
rating rate score stars grade 评分 評分 تقييم
review opinion feedback
comment reply
weight wt wgt mass 重量 وزن
height ht tall 高度
width wd 宽度
length len duration size 长度 片長 片长
size dimension diameter extent 尺寸
distance dist range mileage 距离 距離 مسافة distancia
duration elapsed runtime length_of air_time airtime 时长
speed velocity spd vel 速度
temperature temp tmp 温度 溫度 temperatura temperatur
pressure press baro altim altimeter 压力
humidity hum rh moisture 湿度
measurement measure reading value val observed 数值
sensor device probe meter 传感器
average avg mean 平均
minimum min lowest least
maximum max highest most peak
start joined begin began onset from opening commence started 开始
end left finish stop until to quit ended close closing 结束
created create creation inserted added made opened 创建
updated update modified changed change modification lastmod revised 更新
deleted removed delete
loaded load ingested etl inserted
valid active enabled current
percent pct percentage ratio fraction share proportion 百分比
area surface sq sqft sqm 面积 坪數 坪数 建坪 總坪數
floor level storey 楼层 樓層
room layout 格局
direction dir orientation heading hdg bearing 朝向 座向
fee charge maintenance 管理費
building house property 建物
language lang 语言
timezone tz tzone zone tz_name olson
offset tz gmtoff gmt_offset
sequence seq order ordinal index idx rank position
version ver rev revision
flag is indicator ind bool yes_no
parent par
movie film 電影 电影
salary wage pay income 工资
balance bal
cost charge charges fee expense
cancelled canceled cancellation void voided storno storniert annulled
ean gtin upc barcode strichcode
receipt bon beleg ticket
till kasse caisse caja
cashier kassierer caissier cajero
method zahlart zahlungsart
policy pol police poliza polizza
deductible excess franchise selbstbehalt franquicia
cause peril
identity id number no nr reference ref
claim clm schaden siniestro sinistre
adjuster handler sachbearbeiter
freight frt cargo fracht flete fret
tyre tire reifen neumatico pneu
night nights nts nachte nuits noches notti
meal board verpflegung pension repas comida
channel via kanal canal
priority prio urgency severity dringlichkeit prioritat priorite prioridad
resolved resolution solved
subject course fach matiere asignatura materia
absence absent absences fehl fehlzeit abwesend ausencia
term semester halbjahr trimester
uplink upload up
downlink download down dn
calling caller
bedroom bedrooms br bdrm beds
bathroom bathrooms ba bath baths
year_built yrbuilt
overtime extra uberstunden
transaction txn trans
reference ref
shipped ship shipping delivery delivered dispatch
tumor tumour cancer neoplasm malignancy malignant neoplastic
pathologic pathological patho path pathology
clinical clin clinic
stage staging
histology histologic histological diagnosis morphology
site anatomic subsite organ location
primary main principal
race ethnic
ethnicity ethnic
metastasis metastases metastatic mets metastas
lymph nodal node
lymphatic lymphovascular lymph
invasion invasive infiltration
tested examined
smoking smoke tobacco cigarette smoker smoked
alcohol drinking drink drinker
residence live
followup follow
vital alive dead deceased living survival
death dead deceased
treatment therapy
"""

_ANTONYMS: Final = """
departure arrival
origin destination
first last
start end
minimum maximum
latitude longitude
scheduled actual
created updated
year month
pathologic clinical
code name
created deleted
"""


@lru_cache(maxsize=1)
def concepts() -> dict[str, frozenset[str]]:
    """Word, as `plain` writes it → the concepts it may stand for, each named by its line's first word."""
    found: dict[str, set[str]] = {}
    for line in (*_CONCEPTS.strip().splitlines(), *CONCEPTS.strip().splitlines(), *WORDS.strip().splitlines()):
        words = line.replace(":", " ").split()
        for word in words:
            found.setdefault(plain(word), set()).add(words[0])
    return {word: frozenset(names) for word, names in found.items()}


_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ـ": None}
)
_ARTICLES: Final = ("وال", "بال", "لل", "ال")
"""Arabic: and the, with the, for the, the."""


@lru_cache(maxsize=65536)
def plain(word: str) -> str:
    """A word in lower case as it is compared: Latin letters without accents, Arabic ones without marks and article."""
    if word.isascii():
        return word
    found: list[str] = []
    for char in unicodedata.normalize("NFC", word).translate(_LETTERS):
        base = unicodedata.normalize("NFD", char)[0]
        if not unicodedata.combining(char):
            found.append(base if base.isascii() else char)
    text = "".join(found)
    article = next((one for one in _ARTICLES if text.startswith(one) and len(text) - len(one) >= 3), "")
    return text[len(article) :]


@lru_cache(maxsize=1)
def antonyms() -> dict[str, frozenset[str]]:
    """Concept → the concepts that a column of it can hardly be."""
    found: dict[str, set[str]] = {}
    for line in _ANTONYMS.strip().splitlines():
        left, right = line.split()
        found.setdefault(left, set()).add(right)
        found.setdefault(right, set()).add(left)
    return {word: frozenset(names) for word, names in found.items()}
