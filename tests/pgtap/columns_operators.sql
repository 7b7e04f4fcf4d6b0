-- What PostgreSQL's own test of its catalogs (opr_sanity) asks of operators and their classes. Randomized types
-- differ on purpose: nothing compares them as they are stored, so that nothing is to be folded, estimated or merged. So do
-- operators that stand for those of plaintexts until a statement is rewritten, outside of schema nae, and support of windows.
BEGIN;
SELECT plan(9);
CREATE TEMP VIEW member AS
  SELECT o.oid::regoperator AS operator, o.oprcode::regproc AS code, p.provolatile, p.proleakproof, o.oprrest, o.oprjoin, o.oprcanmerge, o.oprcanhash,
         o.oprcom, o.oprnegate, a.amopstrategy, a.amopfamily, m.amname, t.deterministic
  FROM pg_amop AS a JOIN pg_operator AS o ON o.oid = a.amopopr JOIN pg_proc AS p ON p.oid = o.oprcode JOIN pg_am AS m ON m.oid = a.amopmethod
  JOIN nae.encrypted_type AS t ON t.type = a.amoplefttype
  WHERE o.oprnamespace = 'nae'::regnamespace;
CREATE TEMP VIEW support AS
  SELECT p.oid::regprocedure AS function, p.provolatile, p.proleakproof, a.amprocfamily, a.amprocnum, m.amname, t.deterministic
  FROM pg_amproc AS a JOIN pg_opfamily AS f ON f.oid = a.amprocfamily JOIN pg_am AS m ON m.oid = f.opfmethod JOIN pg_proc AS p ON p.oid = a.amproc
  JOIN nae.encrypted_type AS t ON t.type = a.amproclefttype
  WHERE p.proname <> 'in_range';
SELECT cmp_ok((SELECT count(*) FROM member WHERE deterministic), '>=', 48::bigint, 'operators in classes');
SELECT is_empty('SELECT operator FROM member WHERE deterministic AND (oprrest = 0 OR oprjoin = 0)', 'each has estimators');
SELECT is_empty('SELECT operator FROM member WHERE deterministic AND provolatile <> ''i''', 'each is immutable');
SELECT is_empty('SELECT function FROM support WHERE deterministic AND provolatile <> ''i''', 'so is each support function');
SELECT is_empty('SELECT operator FROM member WHERE deterministic AND oprcom = 0 OR deterministic AND amname = ''btree'' AND oprnegate = 0', 'each has its commutator and negator');
SELECT is_empty('SELECT operator FROM member WHERE deterministic AND (amname = ''btree'' AND amopstrategy = 3 AND NOT oprcanmerge OR amname = ''hash'' AND NOT oprcanhash)', 'equality merges and hashes');
SELECT is_empty('SELECT s.function, m.operator FROM support AS s JOIN member AS m ON m.amopfamily = s.amprocfamily WHERE s.deterministic AND s.amname = ''btree'' AND s.amprocnum = 1 AND (s.provolatile, s.proleakproof) <> (m.provolatile, m.proleakproof)',
  'an operator and its support function are alike');
SELECT is_empty('SELECT c.opcname FROM pg_opclass AS c JOIN pg_am AS m ON m.oid = c.opcmethod JOIN nae.encrypted_type AS t ON t.type = c.opcintype WHERE t.deterministic AND m.amname = ''btree'' AND NOT EXISTS (SELECT FROM support AS s WHERE s.amprocfamily = c.opcfamily AND s.amprocnum = 4)',
  'b-trees of ciphertexts deduplicate');
SELECT is_empty('SELECT operator FROM member WHERE NOT deterministic AND (provolatile = ''i'' OR proleakproof OR oprcanmerge OR oprcanhash)', 'randomized: nothing is folded, merged or hashed');
SELECT * FROM finish();
ROLLBACK;
