"""Words of business data in other languages, by the concept of the vocabulary for which they stand.

Written without accents, as names are compared without them. What stands in vocabulary.py is not repeated here.
"""

from typing import Final

WORDS: Final = """
departure: checkout abfahrt abreise abflug depart salida partenza vertrek 出发
arrival: checkin anreise ankunft arrivee llegada arrivo aankomst 到达 抵达
scheduled: geplant prevu previsto planifie programado 计划 预定
actual: tatsachlich ist effectif effettivo 实际
delay: verspatung verzogerung retard retraso ritardo vertraging 延误
origin: herkunft origine origen startort 出发地
destination: ziel zielort bestimmungsort destino destinazione 目的地
quantity: anzahl qte qtd qtde stuck stuckzahl cantidad quantita aantal 件数 数量 كميه
amount: summe umsatz somme monto cantidad importo bedrag 总额 مبلغ
price: vk einzelpreis verkaufspreis prezzo prijs cena preco tarif tarifa 单价
carrier: reeder reederei armateur armador rederij
total: brutto bruto lordo gesamt gesamtbetrag insgesamt totale totaal totaux ttc 总额 总计 اجمالي
number: nummer numero num nombre zahl aantal numer 号 号码 编号 رقم
address: anschrift strasse rue calle direccion indirizzo adres endereco 街道
telephone: rufnummer telefonnummer mobil handy portable movil celular cellulare telefoon 手机号 手机号码 جوال
email: courriel courrier 电邮 الكتروني
birth: geburt geburts naissance nacimiento nascita geboorte nascimento 出生
description: bezeichnung beschreibung designation libelle descrizione omschrijving descricao 描述
notes: bemerkung bemerkungen notiz anmerkung hinweis remarque commentaire observaciones opmerking
identifier: kennung schlussel identifiant identificador identificativo 编号 编码 رقم
timestamp: zeitpunkt zeitstempel horodatage horodateur momento 时间戳
time: uhrzeit heure tijd
day: tage jours dias giorni
rating: note nota calificacion
category: klasse clase classe
date: jour dia giorno buchungstag stichtag
year: jahr annee ano anno jaar سنه
month: monat mois mes mese maand
week: semaine semana settimana
name: vollname bezeichnung nome naam imie nombre 名字
first: nombre nome imie vorname prenom voornaam nombrepila
last: nachname familienname apellido apellidos cognome achternaam nomfamille
customer: kundin acheteur klant acquirente comprador
person: personne persona persoon
patient: paziente paciente patientin 患者 病人 مريض
user: benutzer nutzer utilisateur usuario utente gebruiker
company: firma unternehmen gesellschaft entreprise societe raisonsociale empresa azienda bedrijf 单位 企业 شركه
vendor: lieferant fournisseur proveedor fornitore leverancier
employee: mitarbeiter mitarbeiterin angestellter employe salarie empleado dipendente medewerker empl 员工 職員
employee: 职员 موظف
department: abteilung bereich departement departamento reparto afdeling 部门 部門 قسم
manager: vorgesetzter leiter responsable jefe 主管 经理
city: wohnort ort stadt gemeinde localidad poblacion commune citta plaats cidade 城市 مدينه
country: landescode paese land 国别 دوله pays
state: bundesland kanton departement comunidad regione provincie
zip: plz codepostal postleitzahl 邮政编码
location: standort lieu emplacement ubicacion luogo plaats
gender: genre genero genere geslacht 性別 جنس
age: lebensalter eta leeftijd idade 年纪
category: gruppe rubrique rubro
status: zustand etat stato estatus 在职状态 状况 حاله statut statuts
author: verfasser redacteur
manufacturer: hersteller marke marque fabricant fabricante marca produttore
product: artikel ware produit articulo prodotto articolo bestelling 货品
order: bestellung auftrag commande bestelling ordine encomenda 订购
invoice: rechnung facture factura fattura factuur
payment: zahlung paiement reglement pago pagamento betaling
discount: rabatt nachlass remise reduction descuento sconto korting
tax: steuer mwst ust ustsatz tva iva impot impuesto imposta btw
currency: wahrung devise monnaie moneda divisa valuta munt عمله
weight: gewicht poids peso masse
height: grosse hohe korpergrosse groesse hoehe hauteur taille altura altezza estatura 身高
width: breite largeur anchura ancho larghezza
length: lange laenge longueur largo longitud lunghezza lengte 长度
size: grosse tamano
distance: entfernung strecke distanz distanza afstand
duration: dauer duree duracion durata
speed: geschwindigkeit vitesse velocidad velocita
temperature: temperatur korpertemperatur temperatuur temperatura temperature 体温
pressure: druck luftdruck pression presion pressione 血压
humidity: feuchte feuchtigkeit luftfeuchte humidite humedad umidita
start: anfang beginn debut inicio inizio
end: ende schluss fin
created: erstellt angelegt cree creado creato erfasst 创建时间
updated: geandert aktualisiert modifie maj actualizado aggiornato
deleted: geloscht supprime eliminado
valid: gultig valide valido vigente aktiv actif activo attivo ativo actief
percent: prozent anteil pourcentage porcentaje percentuale
area: flache surface superficie
floor: stockwerk etage geschoss piso
fee: gebuhr frais honorarios commissione
language: sprache langue idioma lingua taal
salary: gehalt lohn entgelt salaire sueldo salario stipendio remuneration compensation comp 月薪 年薪 薪资 薪水
salary: 薪酬 薪 راتب
balance: saldo kontostand solde
transaction: buchung umsatz operation operacion movimiento
reference: referenz verweis referencia riferimento bezug
shipped: versand versandt verschickt versendet expedition expedie envoi envio spedizione 发货
delivery: lieferung zustellung geliefert livraison livre entrega consegna levering
"""
"""`concept: words`; a concept that vocabulary.py lacks is made."""

CONCEPTS: Final = """
sku reference ref ean artikelnummer artikelnr
diagnosis diagnose diagnostic diagnostico diagnosi 诊断 診斷 icd icd10
discharged discharge entlassung entlassen sortie alta egreso dimissione 出院
admitted admission aufnahme aufgenommen einweisung hospitalisation ingreso ricovero 入院
tare tara leergewicht
reason motivo motif grund reden
species especie espece spezies tierart soort
owner eigentumer besitzer proprietaire propietario proprietario eigenaar
berth liegeplatz
vessel schiff navire buque navio nave schip
blood blut sangre sangue 血
smoker raucher rauchen fumeur fumador fumatore 吸烟
insurer insurance insurance_company krankenkasse versicherung versicherer krankenversicherung assureur assurance
insurer seguro aseguradora assicurazione 保险
insured assure versichert asegurado assicurato
systolic systolisch systolique sistolica sys
diastolic diastolisch diastolique diastolica dia
sender from absender expediteur remitente mittente versender shipper consignor 发件人
recipient to empfanger destinataire destinatario consignee cnee receiver addressee 收件人 收货人
value messwert wert valeur valor valore waarde 数值
unit einheit unite unidad unita eenheid 单位
corrected korrigiert corrige corregido corretto gecorrigeerd amended
dangerous hazmat hazardous gefahrgut dangereux peligroso pericoloso gevaarlijk
upper high hoch oben superieur superior bovengrens
lower low niedrig unten inferieur inferior ondergrens
symbol ticker
price rate kurs cours
loan ausleihe leihe pret prestamo prestito uitlening borrow borrowed checkout
borrower entleiher ausleiher emprunteur prestatario lener
returned ruckgabe zuruckgegeben retour devolucion restituzione ingeleverd
report befund bericht rapport informe referto
container behalter conteneur contenedor
goals tore buts goles reti
team mannschaft verein equipe equipo squadra club
home heim domicile local casa thuis
away guest auswarts gast exterieur visitante trasferta uit
league liga ligue lega
parcel package colis paket packstuck sendung shipment paquete pacco envoi consignment 包裹
tracking sendungsnummer seguimiento
job position role title beruf occupation stelle poste metier puesto mansione beroep 职位 岗位 职务 職位 وظيفه
hired hire hiring joined joining eintritt einstellung embauche contratacion assunzione 入职
terminated term termination leaving austritt kundigung licenciement baja 离职
performance leistung rendimiento 绩效
rating score bewertung calificacion 评分
national citizen personalausweis ausweis 身份证 身份证号 هويه
firmware fw
signal rssi signal_strength
uptime up
battery bat batt akku batterie bateria
temperature
booked booking bookg buchung buchungstag posted comptabilisation
counterparty cpty contrepartie gegenpartei contraparte
account iban bankverbindung kontonummer konto compte cuenta conto rekening acct 账户 账号
debit soll debito
credit haben credito
appointment termin rendezvous cita
contract vertrag contrat contrato contratto 合同 عقد
school schule schul ecole escuela
student schuler etudiant alumno estudiante 学生 طالب
teacher lehrer lehrerin lehrkraft enseignant profesor 老师
vehicle fahrzeug wagen vehicule vehiculo veicolo 车辆
license kennzeichen immatriculation matricula plate 车牌
meter zahler compteur contador
consumption verbrauch consommation consumo
station haltestelle bahnhof gare estacion stazione
warehouse lager entrepot almacen magazzino depot 仓库
stock bestand lagerbestand existencias giacenza
branch store shop outlet filiale agence sucursal niederlassung 分店
street strasse rue calle
house hausnummer
population poblacion einwohner einwohnerzahl bevolkerung habitants popolazione populacao inwoners
final endgultig definitif definitivo definitief
preliminary vorlaufig provisoire provisional preliminar provvisorio voorlopig
child chd children kids kind kinder enfant hijo bambino
married verheiratet marie casado marital familienstand etat_civil estado_civil 婚姻
"""
"""As the lines of vocabulary.py: a line a concept."""
