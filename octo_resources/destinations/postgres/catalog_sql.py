"""The queries over pg_catalog for what SQLAlchemy's reflection does not reach. All take an array of table oids, `oids`.

They run with `search_path = pg_catalog`, so that every name in what PostgreSQL prints is written out in full and reads
the same whoever asks.
"""

from typing import Final

CATALOG_SETTINGS: Final = "SET LOCAL search_path = pg_catalog"

FIND: Final = """
SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.reltuples::float8,
       has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT') AS readable
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""

KNOWN: Final = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_(toast|temp)' AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND has_schema_privilege(n.oid, 'USAGE')
"""

# What a collation goes by: to_jsonb reads what a server's version has of it (colliculocale is of 15 and 16).
_COLLATION: Final = """
  concat_ws(' ', o.oid::regcollation, o.collprovider, to_jsonb(o) ->> 'colllocale', to_jsonb(o) ->> 'colliculocale',
            o.collcollate, to_jsonb(o) ->> 'collicurules')
"""

# A domain is followed to its base; its checks and its NOT NULL are gathered on the way. From 17 on a domain's NOT NULL
# is a constraint of its own (contype n), which typnotnull says as well.
COLUMNS: Final = (
    """
WITH RECURSIVE walk AS (
  SELECT attrelid, attnum, atttypid AS typ, atttypmod AS typmod, 0 AS depth, false AS domain_not_null,
         NULL::text COLLATE "C" AS domain_default
  FROM pg_attribute WHERE attrelid = ANY(%(oids)s) AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT w.attrelid, w.attnum, t.typbasetype, CASE WHEN w.typmod = -1 THEN t.typtypmod ELSE w.typmod END, w.depth + 1,
         w.domain_not_null OR t.typnotnull, coalesce(w.domain_default, t.typdefault) COLLATE "C"
  FROM walk w JOIN pg_type t ON t.oid = w.typ WHERE t.typtype = 'd'),
base AS (SELECT DISTINCT ON (attrelid, attnum) * FROM walk ORDER BY attrelid, attnum, depth DESC)
SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod) AS native, format_type(b.typ, b.typmod) AS base,
       CASE WHEN t.typelem <> 0 AND t.typcategory = 'A' THEN format_type(t.typelem, b.typmod) END AS element,
       CASE WHEN b.depth > 0 THEN format_type(a.atttypid, NULL) END AS domain, b.domain_not_null, b.domain_default,
       (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e
        WHERE e.enumtypid = b.typ) AS labels,
       CASE WHEN NOT o.collisdeterministic THEN """
    + _COLLATION
    + """ END AS collation
FROM base b JOIN pg_attribute a ON a.attrelid = b.attrelid AND a.attnum = b.attnum JOIN pg_type t ON t.oid = b.typ
LEFT JOIN pg_collation o ON o.oid = a.attcollation
ORDER BY a.attrelid, a.attnum
"""
)

DOMAIN_CHECKS: Final = """
WITH RECURSIVE walk AS (
  SELECT attrelid, attnum, attname, atttypid AS typ FROM pg_attribute
  WHERE attrelid = ANY(%(oids)s) AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT w.attrelid, w.attnum, w.attname, t.typbasetype FROM walk w JOIN pg_type t ON t.oid = w.typ
  WHERE t.typtype = 'd')
SELECT w.attrelid, w.attname, c.conname, pg_get_constraintdef(c.oid) AS definition, c.convalidated
FROM walk w JOIN pg_constraint c ON c.contypid = w.typ AND c.contype = 'c' ORDER BY w.attrelid, w.attnum, c.conname
"""

CONSTRAINTS: Final = """
SELECT c.conrelid, c.conname, c.contype::text, pg_get_constraintdef(c.oid) AS definition, c.condeferrable,
       c.convalidated, c.confmatchtype::text,
       (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY k(num, n)
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num) AS columns,
       rn.nspname AS ref_schema, r.relname AS ref_table,
       (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(c.confkey) WITH ORDINALITY k(num, n)
        JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.num) AS ref_columns
FROM pg_constraint c LEFT JOIN pg_class r ON r.oid = c.confrelid LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
WHERE c.conrelid = ANY(%(oids)s) AND c.contype IN ('f', 'c', 'x') ORDER BY c.conrelid, c.conname
"""

# NULLS NOT DISTINCT is of 15 and later: to_jsonb reads the column where there is one.
UNIQUES: Final = """
SELECT i.indrelid, ic.relname AS name, pg_get_expr(i.indpred, i.indrelid) AS predicate, i.indexprs IS NOT NULL AS expr,
       coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_not_distinct,
       (SELECT array_agg(pg_get_indexdef(i.indexrelid, k, false) ORDER BY k)
        FROM generate_series(1, i.indnkeyatts) k) AS parts,
       (SELECT array_agg(a.attname::text ORDER BY k) FROM generate_series(1, i.indnkeyatts) k
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k - 1]) AS columns
FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
WHERE i.indrelid = ANY(%(oids)s) AND i.indisunique AND NOT i.indisprimary AND NOT i.indisexclusion
  AND i.indisready ORDER BY i.indrelid, ic.relname
"""

# What a trigger's function does: its text, and how that is run.
_TRIGGERED: Final = "md5(concat_ws('|', p.prosrc, p.proconfig, CASE WHEN p.prosecdef THEN 'security definer' END))"

# Partitions, and tables that inherit: a row that goes by the table asked for (`top`) may be written there.
_BELOW: Final = """
below AS (
  SELECT inhparent AS top, inhrelid AS rel FROM pg_inherits WHERE inhparent IN (SELECT oid FROM asked)
  UNION
  SELECT b.top, i.inhrelid FROM below b JOIN pg_inherits i ON i.inhparent = b.rel)
"""

# Their own row triggers, and those of the table that do not fire there. In words that are the same for all of them, so
# that another partition like the others is no change.
_TRIGGERS_BELOW: Final = (
    """
SELECT DISTINCT b.top AS rel, t.tgname AS name,
       replace(pg_get_triggerdef(t.oid), ' ON ' || t.tgrelid::regclass || ' ', ' ON a partition ')
       || ' /* ' || p.proname || ': ' || left("""
    + _TRIGGERED
    + """, 12) || CASE WHEN t.tgenabled NOT IN ('O', 'A') THEN ', disabled' ELSE '' END || ' */' AS definition
FROM below b JOIN pg_trigger t ON t.tgrelid = b.rel AND NOT t.tgisinternal AND t.tgtype & 1 = 1
JOIN pg_proc p ON p.oid = t.tgfoid LEFT JOIN pg_trigger above ON above.oid = t.tgparentid
WHERE CASE WHEN above.oid IS NULL THEN t.tgenabled IN ('O', 'A')
           ELSE (t.tgenabled IN ('O', 'A')) <> (above.tgenabled IN ('O', 'A')) END
"""
)

# What a trigger does stands in its function, and CREATE OR REPLACE leaves the trigger's own definition as it was. One
# that is disabled, or enabled for a replica's session (R), does not fire in a load's.
TRIGGERS: Final = (
    "WITH RECURSIVE asked AS (SELECT unnest(%(oids)s::oid[]) AS oid),"
    + _BELOW
    + """
SELECT t.tgrelid, t.tgname AS name,
       pg_get_triggerdef(t.oid) || ' /* ' || p.proname || ': ' || left("""
    + _TRIGGERED
    + """, 12) || ' */' AS definition
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = ANY(%(oids)s) AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
UNION ALL
SELECT r.ev_class, r.rulename, pg_get_ruledef(r.oid) FROM pg_rewrite r
WHERE r.ev_class = ANY(%(oids)s) AND r.ev_type <> '1' AND r.ev_enabled IN ('O', 'A')
UNION ALL
SELECT rel, name, definition FROM ("""
    + _TRIGGERS_BELOW
    + """) others ORDER BY 1, 2, 3
"""
)

# All that pg_depend knows to be called for a written row, and what that calls in turn where the server knows it (bodies
# written BEGIN ATOMIC); a name within a body that is a mere string is not followed. C and internal functions are left
# out: nobody replaces their text. `own` is the function of a trigger, which its definition tells.
_CALLED: Final = """
objects AS (
  SELECT conrelid AS rel, 'pg_constraint'::regclass AS class, oid AS obj, NULL::name AS attname, 'check' AS used_by,
         0::oid AS own
  FROM pg_constraint WHERE conrelid IN (SELECT oid FROM asked)
  UNION ALL
  SELECT d.adrelid, 'pg_attrdef'::regclass, d.oid, a.attname,
         CASE WHEN a.attgenerated = '' THEN 'default' ELSE 'generated' END, 0
  FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
  WHERE d.adrelid IN (SELECT oid FROM asked)
  UNION ALL
  SELECT indrelid, 'pg_class'::regclass, indexrelid, NULL, 'unique', 0 FROM pg_index
  WHERE indrelid IN (SELECT oid FROM asked) AND indisunique
  UNION ALL
  SELECT polrelid, 'pg_policy'::regclass, p.oid, NULL, 'policy', 0 FROM pg_policy p
  JOIN pg_class c ON c.oid = p.polrelid AND c.relrowsecurity WHERE polrelid IN (SELECT oid FROM asked)
  UNION ALL
  SELECT tgrelid, 'pg_trigger'::regclass, oid, NULL, 'trigger', tgfoid FROM pg_trigger
  WHERE tgrelid IN (SELECT oid FROM asked) AND NOT tgisinternal AND tgenabled IN ('O', 'A')
  UNION ALL
  SELECT y.rel, 'pg_constraint'::regclass, c.oid, y.attname, 'domain', 0
  FROM typed y JOIN pg_constraint c ON c.contypid = y.typ
  UNION ALL
  SELECT y.rel, 'pg_type'::regclass, y.typ, y.attname, 'default', 0
  FROM typed y JOIN pg_type t ON t.oid = y.typ AND t.typtype = 'd'),
typed AS (
  SELECT attrelid AS rel, attname, atttypid AS typ FROM pg_attribute
  WHERE attrelid IN (SELECT oid FROM asked) AND attnum > 0 AND NOT attisdropped
  UNION
  SELECT y.rel, y.attname, t.typbasetype FROM typed y JOIN pg_type t ON t.oid = y.typ WHERE t.typtype = 'd'),
called AS (
  SELECT o.rel, o.attname, o.used_by, coalesce(p.oprcode::oid, d.refobjid) AS fn
  FROM objects o JOIN pg_depend d ON d.classid = o.class AND d.objid = o.obj
  LEFT JOIN pg_operator p ON p.oid = d.refobjid AND d.refclassid = 'pg_operator'::regclass
  WHERE d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass) AND d.refobjid <> o.own
  UNION
  SELECT c.rel, c.attname, c.used_by, d.refobjid FROM called c
  JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = c.fn AND d.refclassid = 'pg_proc'::regclass),
functions AS (
  SELECT DISTINCT c.rel, c.attname, c.used_by, p.oid::regprocedure::text AS name,
         left(md5(concat_ws('|', p.prosrc, pg_get_function_sqlbody(p.oid), p.proconfig, p.proisstrict,
                            CASE WHEN p.prosecdef THEN 'security definer' END)), 12) AS body
  FROM called c JOIN pg_proc p ON p.oid = c.fn JOIN pg_language l ON l.oid = p.prolang
  WHERE l.lanname NOT IN ('c', 'internal'))
"""

FUNCTIONS: Final = (
    "WITH RECURSIVE asked AS (SELECT unnest(%(oids)s::oid[]) AS oid),"
    + _CALLED
    + "SELECT rel, name, body, used_by, attname FROM functions ORDER BY rel, name, used_by, attname"
)

POLICIES: Final = """
SELECT c.oid, CASE WHEN c.relforcerowsecurity THEN 'on, also for the owner' ELSE 'on' END AS definition
FROM pg_class c WHERE c.oid = ANY(%(oids)s) AND c.relrowsecurity
UNION ALL
SELECT p.polrelid, concat_ws(' ',
         CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
         CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete'
                       ELSE 'all' END,
         'to ' || (SELECT string_agg(CASE r WHEN 0 THEN 'public' ELSE r::regrole::text END, ', ' ORDER BY 1)
                   FROM unnest(p.polroles) r),
         'using ' || pg_get_expr(p.polqual, p.polrelid), 'with check ' || pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid AND c.relrowsecurity WHERE p.polrelid = ANY(%(oids)s)
ORDER BY 1, 2
"""

# Everything that decides what a written row becomes, and nothing else: no comments, statistics, sizes or owners.
# Checks of domains and labels of enums count for the domains and enums that the tables' columns use.
SIGNATURE: Final = (
    """
WITH RECURSIVE wanted AS (
  SELECT c.oid, c.relkind, c.relrowsecurity, c.relforcerowsecurity, n.nspname || '.' || c.relname AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE (n.nspname, c.relname) IN (SELECT * FROM unnest(%(schemas)s::name[], %(tables)s::name[]))),
asked AS (SELECT oid FROM wanted),"""
    + _BELOW
    + ","
    + _CALLED
    + """,
used AS (
  SELECT DISTINCT a.atttypid AS typ FROM wanted w JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0
  UNION
  SELECT CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END FROM used u JOIN pg_type t ON t.oid = u.typ
  WHERE t.typtype = 'd' OR (t.typcategory = 'A' AND t.typelem <> 0)),
parts(line) AS (
  SELECT concat_ws('|', 'table', name, relkind, relrowsecurity, relforcerowsecurity) FROM wanted
  UNION ALL
  SELECT concat_ws('|', 'column', w.name, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                   a.attidentity, a.attgenerated, a.attcollation::regcollation, pg_get_expr(d.adbin, d.adrelid))
  FROM wanted w JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = w.oid AND d.adnum = a.attnum
  UNION ALL
  SELECT concat_ws('|', 'constraint', w.name, c.conname, pg_get_constraintdef(c.oid), c.condeferrable, c.condeferred,
                   c.convalidated)
  FROM wanted w JOIN pg_constraint c ON c.conrelid = w.oid AND c.contype <> 'n'
  UNION ALL
  SELECT concat_ws('|', 'unique', w.name, pg_get_indexdef(i.indexrelid), i.indisready)
  FROM wanted w JOIN pg_index i ON i.indrelid = w.oid AND i.indisunique
  UNION ALL
  SELECT concat_ws('|', 'trigger', w.name, pg_get_triggerdef(t.oid), t.tgenabled, """
    + _TRIGGERED
    + """)
  FROM wanted w JOIN pg_trigger t ON t.tgrelid = w.oid AND NOT t.tgisinternal JOIN pg_proc p ON p.oid = t.tgfoid
  UNION ALL
  SELECT concat_ws('|', 'trigger below', w.name, o.definition)
  FROM wanted w JOIN ("""
    + _TRIGGERS_BELOW
    + """) o ON o.rel = w.oid
  UNION ALL
  SELECT concat_ws('|', 'rule', w.name, pg_get_ruledef(r.oid), r.ev_enabled)
  FROM wanted w JOIN pg_rewrite r ON r.ev_class = w.oid
  UNION ALL
  SELECT concat_ws('|', 'policy', w.name, p.polname, p.polcmd, p.polpermissive, pg_get_expr(p.polqual, p.polrelid),
                   pg_get_expr(p.polwithcheck, p.polrelid), p.polroles::regrole[]::text)
  FROM wanted w JOIN pg_policy p ON p.polrelid = w.oid
  UNION ALL
  SELECT concat_ws('|', 'function', w.name, f.name, f.body, f.used_by, f.attname)
  FROM wanted w JOIN functions f ON f.rel = w.oid
  UNION ALL
  SELECT concat_ws('|', 'collation', w.name, a.attname, """
    + _COLLATION
    + """)
  FROM wanted w JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_collation o ON o.oid = a.attcollation AND NOT o.collisdeterministic
  UNION ALL
  SELECT concat_ws('|', 'partition', w.name, pg_get_partkeydef(w.oid)) FROM wanted w WHERE w.relkind = 'p'
  UNION ALL
  SELECT concat_ws('|', 'enum', u.typ::regtype, e.enumsortorder, e.enumlabel) FROM used u
  JOIN pg_enum e ON e.enumtypid = u.typ
  UNION ALL
  SELECT concat_ws('|', 'domain', u.typ::regtype, format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault)
  FROM used u JOIN pg_type t ON t.oid = u.typ AND t.typtype = 'd'
  UNION ALL
  SELECT concat_ws('|', 'domain check', u.typ::regtype, c.conname, pg_get_constraintdef(c.oid)) FROM used u
  JOIN pg_constraint c ON c.contypid = u.typ AND c.contype = 'c')
SELECT encode(sha256(convert_to(coalesce(string_agg(line, E'\\n' ORDER BY line COLLATE "C"), ''), 'UTF8')), 'hex')
FROM parts
"""
)

SIZE: Final = """
SELECT pg_catalog.pg_relation_size(c.oid), c.reltuples::float8
FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(%s)
"""
