"""The agent's servicer, and what does its jobs, in the process of a test."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from google.protobuf import any_pb2

from tellurion.agent.v1 import agent_pb2
from tellurion_agent.job import replay, run
from tellurion_agent.service import AgentServicer
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.call import Call, Identity, current_call
from tellurion_core.jobs.claims import Claims
from tellurion_core.jobs.running import RunningJob


@dataclass
class Agent:
    """The servicer, and what does its jobs."""

    servicer: AgentServicer
    claims: Claims
    artifacts: ArtifactStore
    folder: Path

    def call(self, method: str, request: Any, tenant: str = "a") -> Any:
        """The answer of a method, all of them of one that streams."""
        current_call.set(Call(f"/agent/{method}", "r", Identity(tenant, "ann"), float("inf")))

        async def answered() -> Any:
            answer = getattr(self.servicer, method)(request, None)
            return [each async for each in answer] if hasattr(answer, "__aiter__") else await answer

        return asyncio.run(answered())

    def ask(self, question: str, request_id: str = "1", tenant: str = "a", **options: Any) -> agent_pb2.Proposal:
        """What a question is understood as."""
        request = agent_pb2.AskRequest(request_id=request_id, question=question, **options)
        (proposal,) = (each.proposal for each in self.call("Ask", request, tenant) if each.HasField("proposal"))
        return proposal

    def work(self) -> agent_pb2.Answer:
        """Does the job that waits as a worker would."""
        claim = self.claims.claim(["agent.run", "agent.replay"])
        folder = self.folder / "jobs" / claim.job.id
        folder.mkdir(parents=True, exist_ok=True)
        running = RunningJob(
            id=claim.job.id,
            tenant=claim.job.tenant,
            subject=claim.job.subject,
            request_id=claim.job.request_id,
            attempt=1,
            folder=folder,
            artifacts=self.artifacts,
            cancelled=lambda: False,
            progress=lambda fraction, message: None,
        )
        work = {"agent.run": run, "agent.replay": replay}[claim.job.kind]
        result, answer = any_pb2.Any(), work(any_pb2.Any.FromString(claim.job.body), running)
        result.Pack(answer)
        self.claims.succeed(claim, result.SerializeToString())
        return answer

    def answered(self, question: str, request_id: str = "1", **options: Any) -> tuple[str, agent_pb2.Answer]:
        """The run and the answer of a question's best plan."""
        proposal = self.ask(question, request_id, **options)
        return proposal.run, self.done("ChoosePlan", agent_pb2.ChoosePlanRequest(run=proposal.run, plan=0))

    def done(self, method: str, request: Any) -> agent_pb2.Answer:
        """What comes of the operation that a request begins."""
        assert self.call(method, request).operation.startswith("agent/operations/")
        return self.work()

    def keep(self, content: bytes, name: str) -> str:
        """An artifact of these bytes."""
        options = {"media_type": "application/octet-stream", "name": name, "keep": timedelta(days=1)}
        return self.artifacts.put("a", [content], **options).id

    def file(self, answer: agent_pb2.Answer, name: str, tenant: str = "a") -> bytes:
        """One of the artifacts of an answer."""
        with self.artifacts.open(tenant, answer.files[name]) as file:
            return file.read()
