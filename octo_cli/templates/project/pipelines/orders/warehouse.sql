-- The table that the example writes.
create table if not exists public.customer_order (
    order_id    bigint primary key,
    placed_at   timestamptz not null,
    email       text,
    status      text not null check (status in ('paid', 'shipped', 'cancelled')),
    items       integer not null check (items > 0),
    total_eur   numeric(10, 2) not null,
    note        text
);
comment on column public.customer_order.status is 'paid, shipped or cancelled';
comment on column public.customer_order.items is 'number of articles';
