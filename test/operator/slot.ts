import type { World } from './world.ts'

/** Drops a slot, whose reader comes back as often as it is sent away. */
export async function dropSlot({ sql }: World, slot: string): Promise<void> {
  await sql(`DO $$ BEGIN
    FOR attempt IN 1..200 LOOP
      PERFORM pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '${slot}' AND active;
      BEGIN
        PERFORM pg_drop_replication_slot('${slot}');
        RETURN;
      EXCEPTION WHEN object_in_use THEN
        PERFORM pg_sleep(0.02);
      END;
    END LOOP;
    RAISE 'slot ${slot} was always read';
  END $$`)
}

/** Makes a slot as a person would. */
export async function makeSlot({ sql }: World, slot: string): Promise<void> {
  await sql(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`)
}
