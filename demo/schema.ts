/** Login of the connector's role; the database is the demo's own and goes with it. */
export const LOGIN = { username: 'penstock', password: 'shop-secret' } as const

/** Statements that make the role and the database, run in database postgres. */
export const SERVER_SQL = [
  `CREATE ROLE ${LOGIN.username} LOGIN REPLICATION PASSWORD '${LOGIN.password}'`,
  `CREATE DATABASE shop OWNER ${LOGIN.username}`,
] as const

/** Statements that make the tables, run in database shop. */
export const SHOP_SQL = [
  `CREATE TABLE orders (
     id serial PRIMARY KEY, customer text NOT NULL, status text NOT NULL DEFAULT 'new',
     total numeric(12, 2) NOT NULL, note text, updated_at timestamptz NOT NULL DEFAULT now())`,
  `CREATE TABLE order_items (
     order_id int NOT NULL, line int NOT NULL, sku text NOT NULL, PRIMARY KEY (order_id, line))`,
  `CREATE TABLE visits (
     id bigserial PRIMARY KEY, user_id bigint NOT NULL, product_id int NOT NULL,
     action text NOT NULL, viewed_at timestamptz NOT NULL DEFAULT now())`,
  `INSERT INTO orders (customer, total)
     SELECT 'customer ' || n, round((random() * 200)::numeric, 2) FROM generate_series(1, 40) n`,
  ...['orders', 'order_items', 'visits'].map((table) => `ALTER TABLE ${table} OWNER TO ${LOGIN.username}`),
] as const
