-- After a statement that ran with ON_ERROR_STOP off: the script ends here unless it was refused for want of a right.
\set ECHO none
SELECT :'SQLSTATE' = 'NE001' AS refused \gset
\if :refused
\else
  DO $$ BEGIN RAISE EXCEPTION 'the statement before was to be refused for want of a right'; END $$;
\endif
\set ECHO queries
