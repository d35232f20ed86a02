DROP TRIGGER chrononaut_activity_erased;
DROP TABLE chrononaut_unrecorded;
