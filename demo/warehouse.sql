-- The airline's own warehouse: its names, types, units and rules, unlike the source's.
CREATE TABLE carrier (
    code       char(2) PRIMARY KEY,
    legal_name varchar(60) NOT NULL,
    loaded_at  timestamptz
);
COMMENT ON TABLE carrier IS 'Airlines that we share airports with';
COMMENT ON COLUMN carrier.code IS 'Two-letter airline designator (IATA)';
COMMENT ON COLUMN carrier.legal_name IS 'Name of the airline';
COMMENT ON COLUMN carrier.loaded_at IS 'When this row was loaded';

CREATE TABLE airport (
    iata_code    char(3) PRIMARY KEY,
    airport_name text NOT NULL,
    latitude     numeric(9, 6) NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude    numeric(9, 6) NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    elevation_m  numeric(7, 1),
    utc_offset   numeric(4, 2),
    time_zone    text,
    loaded_at    timestamptz
);
COMMENT ON TABLE airport IS 'Airports, one row for each three-letter code';
COMMENT ON COLUMN airport.iata_code IS 'Three-letter airport code';
COMMENT ON COLUMN airport.latitude IS 'Degrees north of the equator';
COMMENT ON COLUMN airport.longitude IS 'Degrees east of Greenwich';
COMMENT ON COLUMN airport.elevation_m IS 'Altitude above sea level, in metres';
COMMENT ON COLUMN airport.utc_offset IS 'Hours from UTC';
COMMENT ON COLUMN airport.time_zone IS 'Name of the time zone in the IANA database';

CREATE TYPE flight_status AS ENUM ('flown', 'cancelled');

CREATE TABLE flight (
    carrier_code     char(2)       NOT NULL REFERENCES carrier (code),
    flight_number    integer       NOT NULL CHECK (flight_number > 0),
    departs_at       timestamptz   NOT NULL,
    origin_code      char(3)       NOT NULL REFERENCES airport (iata_code),
    destination_code char(3)       NOT NULL,
    tail_number      varchar(8),
    status           flight_status NOT NULL,
    planned_off      time,
    departure_delay  integer,
    arrival_delay    integer,
    airborne         integer CHECK (airborne >= 0),
    distance_km      numeric(7, 1) NOT NULL CHECK (distance_km > 0),
    gate             text,
    loaded_at        timestamptz,
    PRIMARY KEY (carrier_code, flight_number, departs_at)
);
COMMENT ON TABLE flight IS 'One row for each scheduled departure from New York';
COMMENT ON COLUMN flight.carrier_code IS 'Airline that operates the flight';
COMMENT ON COLUMN flight.flight_number IS 'Number of the flight, without the airline';
COMMENT ON COLUMN flight.origin_code IS 'Airport of departure';
COMMENT ON COLUMN flight.destination_code IS 'Airport of arrival';
COMMENT ON COLUMN flight.tail_number IS 'Registration painted on the tail of the plane';
COMMENT ON COLUMN flight.planned_off IS 'Scheduled departure, local time of day';
COMMENT ON COLUMN flight.departure_delay IS 'Minutes late at departure, negative when early';
COMMENT ON COLUMN flight.arrival_delay IS 'Minutes late at arrival, negative when early';
COMMENT ON COLUMN flight.airborne IS 'Time in the air, in minutes';
COMMENT ON COLUMN flight.gate IS 'Gate of departure';
COMMENT ON COLUMN flight.loaded_at IS 'When this row was loaded';
