-- Percentile of latencies that were counted in buckets. Bucket b holds (1.02^(b-1), 1.02^b] milliseconds, so the
-- geometric middle of a bucket is within 1 % of every latency in it (DDSketch, Masson et al., VLDB 2019).
-- State: [fraction in billionths, calls of bucket 0, calls of bucket 1, …].
create function public.latency_bucket(milliseconds numeric) returns integer
language sql immutable strict parallel safe
return greatest(ceil(ln(greatest(milliseconds, 1)) / ln(1.02::numeric)), 0)::integer;

create function public.percentile_from_buckets_add(
    state bigint[], bucket integer, calls bigint, fraction double precision
) returns bigint[]
language plpgsql immutable parallel safe as $$
begin
    if bucket is null or calls is null then
        return state;
    end if;
    state[1] := (fraction * 1000000000)::bigint;
    state[bucket + 2] := coalesce(state[bucket + 2], 0) + calls;
    return state;
end $$;

create function public.percentile_from_buckets_result(state bigint[]) returns numeric
language plpgsql immutable parallel safe as $$
declare
    total numeric := 0;
    seen numeric := 0;
begin
    for position in 2 .. coalesce(array_upper(state, 1), 1) loop
        total := total + coalesce(state[position], 0);
    end loop;
    if total = 0 then
        return null;
    end if;
    for position in 2 .. array_upper(state, 1) loop
        seen := seen + coalesce(state[position], 0);
        if seen > 0 and seen >= total * state[1] / 1000000000 then
            return round(power(1.02::numeric, position - 2 - 0.5), 3);
        end if;
    end loop;
    return null;
end $$;

create aggregate public.percentile_from_buckets(
    bucket integer, calls bigint, fraction double precision
) (
    sfunc = public.percentile_from_buckets_add,
    stype = bigint[],
    finalfunc = public.percentile_from_buckets_result,
    initcond = '{}'
);
