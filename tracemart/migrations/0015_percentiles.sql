-- Counts of values in buckets of equal ratio (DDSketch, Masson et al., VLDB 2019), all in one number: bucket b's count
-- stands in the twelve decimal digits from 10^(12 b) on. So Postgres' own sum() merges any rows in C, exactly and in
-- any order, and a row is as long as its values lie apart. Bucket 0 holds what is not above 0.001, bucket b > 0 what
-- is in (0.001 * 1.03^(b-1), 0.001 * 1.03^b]; each value is within (1.03 - 1) / (1.03 + 1) = 1.5 % of the bucket's.

-- One value as a number to sum; NULL stays NULL. Not strict: only so does Postgres inline it.
create function public.bucketed(measured double precision) returns numeric
language sql immutable parallel safe
return case
    when measured is not null then (
        '1e' || (
            12 * ceil(
                ln(least(greatest(measured, 0.001::double precision), 1e15::double precision) / 0.001::double precision)
                / ln(1.03::double precision)
            )::integer
        )::text
    )::numeric
end;

-- The bucket of the value at this rank (0: the least), searched from bucket `first` on. What stands from a bucket on is
-- a quotient; its counts add up to its remainder by 10^12 - 1, for 10^12 leaves 1.
create function public.bucket_at_rank(buckets numeric, calls numeric, rank numeric, first integer) returns integer
language plpgsql immutable parallel safe as $$
declare
    found integer := first;
    beyond integer := 1500;
    middle integer;
begin
    while beyond - found > 1 loop
        middle := (found + beyond) / 2;
        if mod(div(buckets, ('1e' || (12 * middle)::text)::numeric), 999999999999) >= calls - rank then
            found := middle;
        else
            beyond := middle;
        end if;
    end loop;
    return found;
end $$;

-- Any percentile of any roll-up: percentile_from_buckets(sum(buckets), 0.95). It is what percentile_cont says of the
-- values, to 1.5 %; NULL where there are none.
create function public.percentile_from_buckets(buckets numeric, fraction double precision) returns numeric
language plpgsql immutable parallel safe as $$
declare
    calls numeric := mod(buckets, 999999999999);
    rank numeric := fraction::numeric * (calls - 1);
    lower_bucket integer;
    upper_bucket integer;
    lower_value double precision;
    percentile numeric;
begin
    if buckets is null or fraction is null then
        return null;
    end if;
    if fraction not between 0 and 1 then
        raise 'A percentile''s fraction lies between 0 and 1, not at %.', fraction using errcode = '22003';
    end if;
    lower_bucket := public.bucket_at_rank(buckets, calls, floor(rank), 0);
    upper_bucket := public.bucket_at_rank(buckets, calls, ceil(rank), lower_bucket);
    lower_value := public.value_of_bucket(lower_bucket);
    percentile := lower_value + (rank - floor(rank)) * (public.value_of_bucket(upper_bucket) - lower_value);
    return trim_scale(round(percentile, greatest(0, 8 - length(trunc(percentile)::text))));
end $$;

-- The value that a bucket stands for, as far from its lower end as from its upper one in proportion.
create function public.value_of_bucket(bucket integer) returns double precision
language sql immutable parallel safe
return case when bucket > 0 then 0.001 * power(1.03::double precision, bucket) * 2 / 2.03 else 0 end;

drop aggregate public.percentile_from_buckets(integer, bigint, double precision);
drop function public.percentile_from_buckets_add(bigint[], integer, bigint, double precision);
drop function public.percentile_from_buckets_result(bigint[]);
drop function public.latency_bucket(numeric);
