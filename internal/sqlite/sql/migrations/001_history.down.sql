-- Removes history for good.
DROP TABLE chrononaut_numbering;
DROP TABLE chrononaut_missed;
DROP TABLE chrononaut_clock;
DROP TABLE chrononaut_replaced;
DROP TABLE chrononaut_setting;
DROP TABLE chrononaut_context;
DROP TABLE chrononaut_table;
DROP TABLE chrononaut_activity;
