DROP TRIGGER chrononaut_activity_clock;
DROP TRIGGER chrononaut_activity_erased;
DROP TABLE chrononaut_clock;
DROP TABLE chrononaut_unrecorded;
