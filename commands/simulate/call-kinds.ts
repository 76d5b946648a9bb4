/** What happens in a town in a day, in rough proportion to what fire departments publish. */

export type UnitKind = "ENGINE" | "TRUCK" | "MEDIC" | "CHIEF";

export interface Outcome {
  readonly weight: number;
  readonly disposition: string;
  readonly course: /** Called off before anybody arrives. */
    | "called_off"
    /** The first unit to arrive sends the others home. */
    | "first_unit_only"
    /** All units work. */
    | "all_work"
    /** All work, and the medics take somebody to hospital. */
    | "transport";
  readonly workMinutes: readonly [number, number];
  /** Sent as well, once the first unit has seen what it is. */
  readonly secondAlarm?: readonly UnitKind[];
}

export interface CallKind {
  readonly weight: number;
  readonly type: string;
  readonly group: string;
  /** Original, Priority and Final Priority. */
  readonly priorities: readonly (readonly [string, string, string])[];
  readonly sent: readonly (readonly UnitKind[])[];
  readonly outcomes: readonly Outcome[];
}

const calledOff: Outcome = { weight: 3, disposition: "Cancelled", course: "called_off", workMinutes: [0, 0] };
const nothingFound: Outcome = { weight: 8, disposition: "No Merit", course: "first_unit_only", workMinutes: [4, 12] };

const medicalOutcomes: readonly Outcome[] = [
  { weight: 60, disposition: "Code 2 Transport", course: "transport", workMinutes: [12, 28] },
  { weight: 12, disposition: "Patient Declined Transport", course: "all_work", workMinutes: [10, 25] },
  { weight: 5, disposition: "Against Medical Advice", course: "all_work", workMinutes: [15, 35] },
  { weight: 3, disposition: "Unable to Locate", course: "first_unit_only", workMinutes: [5, 15] },
  { weight: 1, disposition: "Gone on Arrival", course: "first_unit_only", workMinutes: [3, 8] },
  nothingFound,
  calledOff,
];

const grave: readonly Outcome[] = [
  ...medicalOutcomes,
  { weight: 14, disposition: "Code 3 Transport", course: "transport", workMinutes: [8, 20] },
  { weight: 2, disposition: "Medical Examiner", course: "all_work", workMinutes: [30, 60] },
];

const minorFire: readonly Outcome[] = [
  { weight: 80, disposition: "Fire", course: "all_work", workMinutes: [10, 40] },
  { weight: 10, disposition: "Gone on Arrival", course: "first_unit_only", workMinutes: [3, 8] },
  calledOff,
];

const falseAlarm: Outcome = { weight: 70, disposition: "Fire", course: "first_unit_only", workMinutes: [6, 20] };

export const CALL_KINDS: readonly CallKind[] = [
  {
    weight: 42,
    type: "Medical Incident",
    group: "Potentially Life-Threatening",
    priorities: [
      ["3", "3", "3"],
      ["3", "3", "3"],
      ["A", "3", "3"],
      ["E", "E", "3"],
      ["B", "3", "3"],
    ],
    sent: [["ENGINE", "MEDIC"]],
    outcomes: grave,
  },
  {
    weight: 28,
    type: "Medical Incident",
    group: "Non Life-threatening",
    priorities: [
      ["2", "2", "2"],
      ["2", "2", "2"],
      ["A", "2", "2"],
      ["C", "2", "2"],
      ["3", "3", "3"],
    ],
    sent: [["MEDIC"], ["MEDIC"], ["ENGINE", "MEDIC"]],
    outcomes: medicalOutcomes,
  },
  {
    weight: 12,
    type: "Alarms",
    group: "Alarm",
    priorities: [["3", "3", "3"]],
    sent: [["ENGINE", "TRUCK"], ["ENGINE"], ["ENGINE", "TRUCK", "CHIEF"]],
    outcomes: [falseAlarm, nothingFound, calledOff],
  },
  {
    weight: 3,
    type: "Structure Fire",
    group: "Alarm",
    priorities: [["3", "3", "3"]],
    sent: [["ENGINE", "ENGINE", "ENGINE", "TRUCK", "TRUCK", "CHIEF", "MEDIC"]],
    outcomes: [
      falseAlarm,
      { weight: 22, disposition: "Fire", course: "all_work", workMinutes: [25, 70] },
      {
        weight: 8,
        disposition: "Fire",
        course: "all_work",
        workMinutes: [70, 160],
        secondAlarm: ["ENGINE", "ENGINE", "TRUCK", "CHIEF", "MEDIC"],
      },
    ],
  },
  {
    weight: 4,
    type: "Traffic Collision",
    group: "Potentially Life-Threatening",
    priorities: [
      ["3", "3", "3"],
      ["2", "2", "2"],
    ],
    sent: [
      ["ENGINE", "MEDIC"],
      ["ENGINE", "TRUCK", "MEDIC"],
    ],
    outcomes: grave,
  },
  {
    weight: 3.5,
    type: "Outside Fire",
    group: "Fire",
    priorities: [["3", "3", "3"]],
    sent: [["ENGINE"]],
    outcomes: minorFire,
  },
  {
    weight: 0.7,
    type: "Vehicle Fire",
    group: "Fire",
    priorities: [["3", "3", "3"]],
    sent: [["ENGINE", "TRUCK"]],
    outcomes: minorFire,
  },
  {
    weight: 2.5,
    type: "Citizen Assist / Service Call",
    group: "Alarm",
    priorities: [
      ["2", "2", "2"],
      ["3", "3", "3"],
    ],
    sent: [["ENGINE"], ["TRUCK"]],
    outcomes: [{ weight: 9, disposition: "Other", course: "all_work", workMinutes: [8, 30] }, calledOff],
  },
  {
    weight: 1.3,
    type: "Gas Leak (Natural and LP Gases)",
    group: "Alarm",
    priorities: [["3", "3", "3"]],
    sent: [["ENGINE", "TRUCK"]],
    outcomes: [{ weight: 9, disposition: "Fire", course: "all_work", workMinutes: [15, 50] }, nothingFound],
  },
  {
    weight: 0.7,
    type: "Elevator / Escalator Rescue",
    group: "Alarm",
    priorities: [["3", "3", "3"]],
    sent: [["TRUCK"], ["ENGINE", "TRUCK"]],
    outcomes: [{ weight: 9, disposition: "Fire", course: "all_work", workMinutes: [10, 35] }, calledOff],
  },
  {
    weight: 0.7,
    type: "Electrical Hazard",
    group: "Alarm",
    priorities: [["3", "3", "3"]],
    sent: [["ENGINE"]],
    outcomes: [{ weight: 1, disposition: "Other", course: "all_work", workMinutes: [15, 45] }],
  },
  {
    weight: 1,
    type: "Smoke Investigation (Outside)",
    group: "Alarm",
    priorities: [["3", "3", "3"]],
    sent: [["ENGINE"]],
    outcomes: [{ weight: 5, disposition: "Unable to Locate", course: "all_work", workMinutes: [8, 25] }, nothingFound],
  },
];
