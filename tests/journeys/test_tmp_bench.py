import time
from dataclasses import replace
from random import Random
from datetime import date, timedelta, datetime, UTC
from uuid import uuid4
from tests.journeys.test_derivations_agree import *
from tests.journeys.test_derivations_agree import pool  # noqa
from audit.read_models.log import LogKeeper
from membership.events import MemberJoined, UnitEstablished, Level
async def test_speed(pool):
    r=Recording(); r.record(id_of("u",0),UnitEstablished(unit="tld",on=date(2000,1,1),name="t",level="confederation",line_parent="",functional_parent=""))
    for i in range(300): r.record(id_of("u",i+1),UnitEstablished(unit=f"unit-{i}",on=date(2000,1,1),name="t",level="grassroots",line_parent="tld",functional_parent=""))
    ev=[]
    for i in range(30000):
        r.record(uuid4(),MemberJoined(unit=f"unit-{i%300}",on=date(2020,1,1)+timedelta(days=i%900),member_id=uuid4(),full_name="Nguyễn Văn A",national_id=f"{i:012}",birth_date=date(1990,1,1),phone="",email=""))
    for e in (LogKeeper("membership"),audited.FigureKeeper("membership")):
        t=time.perf_counter(); c=time.process_time(); await follow(pool,e,r.events,[1000]*31); dt=time.perf_counter()-t; print(e.name, round(30300/dt),"/s", "cpu", round(30300/(time.process_time()-c)))
    t=time.perf_counter(); f=await audited.figures(pool,UnitTree(),"tld",2024,date(2024,12,31)); print(f[:2], time.perf_counter()-t)
