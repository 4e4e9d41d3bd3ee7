exec(open("/tmp/bench_test.py").read().split("async def test_speed")[0])
import audit.read_models.log as L
async def test_parts(pool):
    r=Recording()
    for i in range(30000):
        r.record(uuid4(),MemberJoined(unit=f"unit-{i%300}",on=date(2020,1,1)+timedelta(days=i%900),member_id=uuid4(),full_name="Nguyễn Văn A",national_id=f"{i:012}",birth_date=date(1990,1,1),phone="",email=""))
    k=LogKeeper("membership")
    T={}
    async with pool.connection() as c:
        orig=c.execute
        async def ex(q,*a,**kw):
            t=time.perf_counter(); x=await orig(q,*a,**kw); key=str(q)[:70]; T.setdefault(key,[]).append(time.perf_counter()-t); return x
        c.execute=ex
        t=time.perf_counter()
        for s in range(0,30000,1000):
            async with c.transaction():
                await k.take(r.events[s:s+1000],c)
        print(30000/(time.perf_counter()-t))
        for key,v in T.items(): print(key, len(v), "first", round(sum(v[:10])/10*1000,1), "last ms", round(sum(v[-10:])/10*1000,1))
        del c.execute
        rows=await (await c.execute("explain analyze select w.key,(select version from log where service=%s and aggregate_id=w.key order by version desc limit 1) from unnest(%s::uuid[]) as w(key)",("membership",[e.aggregate_id for e in r.events[:1000]]))).fetchall()
        print("\n".join(x[0] for x in rows))
