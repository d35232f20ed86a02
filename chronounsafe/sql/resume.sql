-- Closes the door.
SELECT {{schema}}.resume()
